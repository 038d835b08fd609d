"""What the written files hold, before anything of it is submitted: nothing that is imported can be taken back."""
