"""The simulated models of the playground: answer bank, personas with drift, lenient judge, faults on demand."""
