module tophash.dev/oracle/astdump

go 1.22
