module greetings

go 1.19

require pmqtt v0.0.0

// Where the sources of pmqtt are.
replace pmqtt => ../../bindings/go
