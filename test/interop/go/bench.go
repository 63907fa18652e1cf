// Times go-sev-guest on one good report with its chain. Each line on stdin asks for one sample, in ms; bench/attest.ts drives it.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

func bench(dir string, all manifest) {
	one := all.Cases[0]
	data, err := os.ReadFile(filepath.Join(dir, one.File))
	fatal(err)
	root := rootsOf(dir, one.Product)
	rounds, err := strconv.Atoi(os.Args[2])
	fatal(err)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		start := time.Now()
		for i := 0; i < rounds; i++ {
			attestation, err := abi.ReportCertsToProto(data)
			fatal(err)
			fatal(verify.SnpAttestation(attestation, &verify.Options{
				DisableCertFetching: true,
				Now:                 all.At,
				TrustedRoots:        map[string][]*trust.AMDRootCerts{one.Product: {root}},
			}))
		}
		fmt.Println(float64(time.Since(start).Nanoseconds()) / 1e6 / float64(rounds))
	}
}
