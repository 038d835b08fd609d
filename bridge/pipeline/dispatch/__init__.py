"""What happens to events: admitted, sent, answered, given up. `dispatcher` is the way in."""
