module pmqtt

go 1.19
