"""One module for each kind of fault; every module here is found and its scenarios registered."""
