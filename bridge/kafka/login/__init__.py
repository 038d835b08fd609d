"""How clients log in where that needs code of our own, and what a failing login means, in sentences."""
