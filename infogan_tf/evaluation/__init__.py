"""How good a model is: clustering, information, disentanglement; one file or folder each."""
