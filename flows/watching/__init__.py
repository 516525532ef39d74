"""What people see while a pass goes on: time left, tables, pictures, events."""
