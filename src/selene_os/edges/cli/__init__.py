"""The command `selene`: each command's module is loaded when it is called."""
