"""The reference cases as programs: what a notebook computes, and the graph that it must
become."""
