// Every GPU test file, so that each engine loads the same list.
