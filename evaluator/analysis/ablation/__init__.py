"""Which part of a composition does what: main effects and interactions of the factors that a run sweeps."""
