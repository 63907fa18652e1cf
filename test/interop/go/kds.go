// go-sev-guest as a client of Cloister's key service: reports alone, every certificate and list fetched by its own URLs.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-sev-guest/abi"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

// Sends what it would ask of AMD to the service under test.
type kdsGetter struct {
	base  string
	asked map[string]bool
}

func (g kdsGetter) Get(url string) ([]byte, error) {
	path := strings.TrimPrefix(url, "https://kdsintf.amd.com")
	g.asked[path[:strings.LastIndexAny(path, "/")]] = true
	response, err := http.Get(g.base + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d", path, response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

// Prints how many reports were verified so; any that is not ends the process with 1.
func throughKds(dir, base string, all manifest) {
	verified := 0
	getter := kdsGetter{base, map[string]bool{}}
	for _, one := range all.Cases {
		// Version 2 says no product, and Turin's certificates this module does not read.
		name := strings.TrimSuffix(one.File, "-vcek.bin")
		if one.Product == "Turin" || name == one.File || !strings.Contains(name, "-v") || strings.HasSuffix(name, "v2") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, one.File))
		fatal(err)
		report, err := abi.ReportToProto(data[:abi.ReportSize])
		if err != nil {
			continue
		}
		attestation := &spb.Attestation{Report: report}
		fatal(verify.SnpAttestation(attestation, &verify.Options{
			CheckRevocations: true,
			Getter:           getter,
			Now:              all.At,
			TrustedRoots:     map[string][]*trust.AMDRootCerts{one.Product: {rootsOf(dir, one.Product)}},
		}))
		verified++
	}
	if verified == 0 {
		fatal(fmt.Errorf("no report was fit to be asked about"))
	}
	fmt.Printf("%d reports, %d folders of the service asked\n", verified, len(getter.asked))
}
