"""How good a model is: clustering, information; one file each."""
