"""The world on this machine: clock, disk, processes, registry, receivers. Decides
nothing."""
