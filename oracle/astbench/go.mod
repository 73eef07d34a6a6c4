module tophash.dev/oracle/astbench

go 1.22
