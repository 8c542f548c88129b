module greetings

go 1.19

require pmqtt v0.0.0

// The sources of pmqtt.
replace pmqtt => ../../bindings/go
