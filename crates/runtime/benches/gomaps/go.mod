module gomaps

go 1.21
