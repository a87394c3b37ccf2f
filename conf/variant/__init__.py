"""The shipped variants, one file each."""
