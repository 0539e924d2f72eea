"""What is measured. Each module is one benchmark; `make bench` lists them."""
