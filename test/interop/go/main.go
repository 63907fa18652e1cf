// Asks google/go-sev-guest about a directory of evidence: verify, then validate, our roots given. One JSON line per file.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-sev-guest/abi"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/validate"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

type entry struct{ File, Product string }

type manifest struct {
	At    time.Time
	Cases []entry
}

type answer struct {
	File     string `json:"file"`
	Verify   string `json:"verify"`
	Validate string `json:"validate"`
}

// The only list a getter may hand out is the one in the evidence.
type listGetter struct{ crl []byte }

func (g listGetter) Get(string) ([]byte, error) {
	if len(g.crl) == 0 {
		return nil, errors.New("no list in the evidence")
	}
	return g.crl, nil
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rootsOf(dir, product string) *trust.AMDRootCerts {
	read := func(kind string) *trust.ProductCerts {
		certs := &trust.ProductCerts{}
		name := fmt.Sprintf("%s-%s.pem", strings.ToLower(product), kind)
		fatal(certs.FromKDSCert(filepath.Join(dir, "roots", name)))
		return certs
	}
	vcek, vlek := read("vcek"), read("vlek")
	if vlek.Asvk == nil {
		vlek.Asvk = vlek.Ask
	}
	root := trust.AMDRootCertsProduct(product)
	root.ProductCerts = &trust.ProductCerts{Ark: vcek.Ark, Ask: vcek.Ask, Asvk: vlek.Asvk}
	return root
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A panic is an answer too, and the worst one.
func guarded(act func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("PANIC: %v", cause)
		}
	}()
	return act()
}

func crlOf(data []byte) []byte {
	table := new(abi.CertTable)
	if len(data) < abi.ReportSize || table.Unmarshal(data[abi.ReportSize:]) != nil {
		return nil
	}
	crl, _ := table.GetByGUIDString("92f81bc3-5811-4d3d-97ff-d19f88dc67ea")
	return crl
}

func ask(dir string, one entry, at time.Time) answer {
	data, err := os.ReadFile(filepath.Join(dir, one.File))
	fatal(err)
	var attestation *spb.Attestation
	err = guarded(func() (err error) { attestation, err = abi.ReportCertsToProto(data); return })
	if err != nil {
		return answer{one.File, text(err), text(err)}
	}
	options := &verify.Options{
		CheckRevocations:    true,
		DisableCertFetching: true,
		Getter:              listGetter{crlOf(data)},
		Now:                 at,
		TrustedRoots:        map[string][]*trust.AMDRootCerts{one.Product: {rootsOf(dir, one.Product)}},
	}
	vmpl := 0
	policy := &validate.Options{
		GuestPolicy: abi.SnpPolicy{SMT: true},
		VMPL:        &vmpl,
		// Without an expectation it does not look at PLATFORM_INFO at all, reserved bits included.
		PlatformInfo: &abi.SnpPlatformInfo{SMTEnabled: true, ECCEnabled: true, AliasCheckComplete: true},
	}
	return answer{
		File:     one.File,
		Verify:   text(guarded(func() error { return verify.SnpAttestation(attestation, options) })),
		Validate: text(guarded(func() error { return validate.SnpAttestation(attestation, policy) })),
	}
}

// With a number behind the directory it times verifications (bench.go), with a URL it asks a key service (kds.go).
// With `device` in front it is a program inside a guest (device.go).
func main() {
	dir := os.Args[1]
	if dir == "device" {
		device(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	fatal(err)
	var all manifest
	fatal(json.Unmarshal(data, &all))
	if len(os.Args) > 2 && strings.HasPrefix(os.Args[2], "http") {
		throughKds(dir, os.Args[2], all)
		return
	}
	if len(os.Args) > 2 {
		bench(dir, all)
		return
	}
	out := json.NewEncoder(os.Stdout)
	for _, one := range all.Cases {
		fatal(out.Encode(ask(dir, one, all.At)))
	}
}
