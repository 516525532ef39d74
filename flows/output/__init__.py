"""What a pass leaves behind: takes on tracks, and the papers and pictures that explain them."""
