module mapreplay

go 1.21
