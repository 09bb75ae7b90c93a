"""What people see in a browser: task pages on origins of their own, and the workers' site around them."""
