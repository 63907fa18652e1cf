// go-sev-guest's client library against `cloister guest-device serve`: its device and its configfs replaced by the socket.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/google/go-configfs-tsm/report"
	"github.com/google/go-sev-guest/abi"
	"github.com/google/go-sev-guest/client"
	labi "github.com/google/go-sev-guest/client/linuxabi"
	spb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/validate"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

const (
	mkdir = iota + 1
	rmdir
	read
	write
)

const answerHead = 20

type answerOf struct {
	errno                syscall.Errno
	fwErr, vmmErr, certs uint32
	body                 []byte
}

// A connection; docs/guest-device.md has the frames.
type socket struct{ conn net.Conn }

func (s *socket) exchange(command uint32, body []byte) (*answerOf, error) {
	frame := binary.LittleEndian.AppendUint32(nil, uint32(4+len(body)))
	frame = binary.LittleEndian.AppendUint32(frame, command)
	if _, err := s.conn.Write(append(frame, body...)); err != nil {
		return nil, err
	}
	head := make([]byte, answerHead)
	if _, err := io.ReadFull(s.conn, head); err != nil {
		return nil, err
	}
	word := func(at int) uint32 { return binary.LittleEndian.Uint32(head[at:]) }
	rest := make([]byte, word(0)+4-answerHead)
	if _, err := io.ReadFull(s.conn, rest); err != nil {
		return nil, err
	}
	return &answerOf{syscall.Errno(word(4)), word(8), word(12), word(16), rest}, nil
}

// client.Device.
func (s *socket) Open(path string) (err error) { s.conn, err = net.Dial("unix", path); return }
func (s *socket) Close() error                 { return s.conn.Close() }
func (s *socket) Product() *spb.SevProduct     { return nil }

func bytesAt(pointer unsafe.Pointer, size int) []byte { return unsafe.Slice((*byte)(pointer), size) }

// The struct that req_data would point to; an extended request's certs_address means nothing here.
func structOf(request labi.BinaryConvertible) []byte {
	pointer := request.ABI().Pointer()
	switch request.(type) {
	case *labi.SnpReportReqABI:
		return bytesAt(pointer, 96)
	case *labi.SnpDerivedKeyReqABI:
		return bytesAt(pointer, 32)
	}
	return bytesAt(pointer, 112)
}

func (s *socket) Ioctl(command uintptr, argument any) (uintptr, error) {
	request := argument.(*labi.SnpUserGuestRequest)
	body := binary.LittleEndian.AppendUint32(nil, 1)
	answer, err := s.exchange(uint32(command), append(body, structOf(request.ReqData)...))
	if err != nil {
		return 0, err
	}
	request.FwErr = uint64(answer.vmmErr)<<32 | uint64(answer.fwErr)
	size := 4000
	if _, ok := request.RespData.(*labi.SnpDerivedKeyRespABI); ok {
		size = 64
	}
	extended, isExtended := request.ReqData.(*labi.SnpExtendedReportReq)
	if isExtended {
		extended.CertsLength = answer.certs
	}
	if answer.errno != 0 {
		return 0, answer.errno
	}
	response := request.RespData.ABI()
	copy(bytesAt(response.Pointer(), size), answer.body[:size])
	if isExtended {
		copy(extended.Certs, answer.body[size:])
	}
	return 0, response.Finish(request.RespData)
}

// configfsi.Client: /sys/kernel/config/tsm/report is the socket's root.
type configfs struct {
	socket
	made int
}

func under(name string) string { return strings.TrimPrefix(name, "/sys/kernel/config/tsm/report/") }

func (c *configfs) file(command uint32, body []byte) ([]byte, error) {
	answer, err := c.exchange(command, body)
	if err != nil {
		return nil, err
	}
	if answer.errno != 0 {
		return nil, answer.errno
	}
	return answer.body, nil
}

func (c *configfs) MkdirTemp(dir, pattern string) (string, error) {
	c.made++
	name := path.Join(dir, fmt.Sprintf("%s%d", strings.TrimSuffix(pattern, "*"), c.made))
	_, err := c.file(mkdir, []byte(under(name)))
	return name, err
}

func (c *configfs) ReadFile(name string) ([]byte, error) { return c.file(read, []byte(under(name))) }

func (c *configfs) ReadDir(name string) ([]os.DirEntry, error) {
	return nil, errors.New("no directory is read")
}

func (c *configfs) WriteFile(name string, contents []byte) error {
	file := under(name)
	body := binary.LittleEndian.AppendUint16(nil, uint16(len(file)))
	_, err := c.file(write, append(append(body, file...), contents...))
	return err
}

func (c *configfs) RemoveAll(name string) error {
	_, err := c.file(rmdir, []byte(under(name)))
	return err
}

func verified(attestation *spb.Attestation, product, roots string, data [64]byte) error {
	certs := &trust.ProductCerts{}
	fatal(certs.FromKDSCert(roots))
	root := trust.AMDRootCertsProduct(product)
	root.ProductCerts = certs
	options := &verify.Options{
		DisableCertFetching: true,
		Now:                 time.Now(),
		TrustedRoots:        map[string][]*trust.AMDRootCerts{product: {root}},
	}
	if err := verify.SnpAttestation(attestation, options); err != nil {
		return err
	}
	policy := &validate.Options{GuestPolicy: abi.SnpPolicy{SMT: true}, ReportData: data[:]}
	return validate.SnpAttestation(attestation, policy)
}

// device SOCKET PRODUCT ROOTS: each of the library's ways to a report, and a derived key. One line each, or the first failure.
func device(path, product, roots string) {
	data := [64]byte{1, 2, 3}
	guest := &socket{}
	fatal(guest.Open(path))
	defer guest.Close()
	raw, err := client.GetRawReport(guest, data)
	fatal(err)
	attestation, err := client.GetExtendedReport(guest, data)
	fatal(err)
	fatal(verified(attestation, product, roots, data))
	other, err := abi.ReportToAbiBytes(attestation.Report)
	fatal(err)
	if !bytes.Equal(raw, other) {
		fatal(errors.New("the plain report is another than the extended one"))
	}
	fmt.Println("GetExtendedReport: verified, and GetRawReport gives the same bytes")
	key := func(svn uint32) ([]byte, error) {
		request := &client.SnpDerivedKeyReq{UseVCEK: true, GuestSVN: svn, GuestFieldSelect: client.GuestFieldSelect{GuestSVN: true}}
		response, err := client.GetDerivedKeyAcknowledgingItsLimitations(guest, request)
		if err != nil {
			return nil, err
		}
		return response.Data[:], nil
	}
	first, err := key(0)
	fatal(err)
	again, err := key(0)
	fatal(err)
	if !bytes.Equal(first, again) || bytes.Equal(first, make([]byte, 32)) {
		fatal(errors.New("a derived key differs from itself"))
	}
	if _, err := key(1); err == nil {
		fatal(errors.New("a key for an SVN above the guest's"))
	}
	if _, err := client.GetRawReportAtVmpl(guest, data, 4); err == nil {
		fatal(errors.New("a report for VMPL 4"))
	}
	fmt.Println("GetDerivedKey: the same twice, refused above the guest's SVN")
	tsm := &configfs{}
	fatal(tsm.Open(path))
	defer tsm.Close()
	response, err := report.Get(tsm, &report.Request{InBlob: data[:], GetAuxBlob: true})
	fatal(err)
	quote, err := abi.ReportCertsToProto(append(response.OutBlob, response.AuxBlob...))
	fatal(err)
	fatal(verified(quote, product, roots, data))
	fmt.Printf("go-configfs-tsm: provider %s, outblob and auxblob verified\n", strings.TrimSpace(response.Provider))
}
