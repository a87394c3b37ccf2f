"""How balancers are judged: workloads, metrics, timing, results, comparison."""
