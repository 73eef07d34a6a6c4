module mapsizes

go 1.21
