module cloister/interop

go 1.23

require github.com/google/go-sev-guest v0.15.0
