"""What this process is to AWS: its credentials, and signatures made with them."""
