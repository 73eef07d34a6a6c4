module tophash.dev/oracle/mapwrites

go 1.22
