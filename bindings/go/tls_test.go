package pmqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pmqtt"
)

// An authority that issues certificates for this host, and for clients.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, key: newKey(t)}
	a.pem = a.sign(&x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority"}}, a.key)
	block, _ := pem.Decode(a.pem)
	cert, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	a.cert = cert
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

// sign returns a certificate as PEM; the first one is that of the authority itself.
func (a *authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.BasicConstraintsValid = true
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, a.key)
	must(a.t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue returns a certificate, and the PEM block of its key.
func (a *authority) issue(template *x509.Certificate) (cert []byte, key *pem.Block) {
	private := newKey(a.t)
	cert = a.sign(template, private)
	der, err := x509.MarshalECPrivateKey(private)
	must(a.t, err)
	return cert, &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}
}

func (a *authority) forServer(name string) (cert []byte, key *pem.Block) {
	return a.issue(&x509.Certificate{DNSNames: []string{name}, Subject: pkix.Name{CommonName: name}})
}

func (a *authority) forClient(name string) (cert []byte, key *pem.Block) {
	return a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}})
}

// write writes each content to a file, in one directory, and returns the names.
func write(t *testing.T, contents ...[]byte) []string {
	dir := t.TempDir()
	names := make([]string, len(contents))
	for i, content := range contents {
		names[i] = filepath.Join(dir, fmt.Sprint(i, ".pem"))
		must(t, os.WriteFile(names[i], content, 0o600))
	}
	return names
}

// tlsBroker starts a broker whose certificate is for the name localhost.
func (a *authority) tlsBroker(options ...string) *mosquitto {
	a.t.Helper()
	cert, key := a.forServer("localhost")
	files := write(a.t, a.pem, cert, pem.EncodeToMemory(key))
	return startBroker(a.t, append(options, "cafile "+files[0], "certfile "+files[1], "keyfile "+files[2])...)
}

func (b *mosquitto) byName() string { return fmt.Sprintf("localhost:%d", b.port) }

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	secured := ours.tlsBroker()
	file := write(t, ours.pem)[0]
	for what, good := range map[string]struct {
		at  string
		tls pmqtt.TLS
	}{
		"authority in memory":      {secured.byName(), pmqtt.TLS{RootCAs: ours.pem}},
		"authority in a file":      {secured.byName(), pmqtt.TLS{RootCAFile: file}},
		"TLS 1.2 alone":            {secured.byName(), pmqtt.TLS{RootCAs: ours.pem, Version: tls.VersionTLS12, CipherSuites: "ECDHE-ECDSA-AES128-GCM-SHA256"}},
		"another name asked for":   {secured.address(), pmqtt.TLS{RootCAs: ours.pem, ServerName: "localhost"}},
		"any name":                 {secured.address(), pmqtt.TLS{RootCAs: ours.pem, InsecureAnyName: true}},
		"a stranger, not verified": {secured.address(), pmqtt.TLS{RootCAs: others.pem, InsecureSkipVerify: true}},
	} {
		good := good
		client := create(t, pmqtt.Options{Broker: good.at, TLS: &good.tls})
		if err := client.Connect(contextOf(t)); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		messages, err := client.SubscribeChan(contextOf(t), "tls", 2, 1)
		must(t, err)
		publish(t, client, "tls", what, 2)
		if m := receive(t, messages); string(m.Payload) != what {
			t.Errorf("%s, not %s", m.Payload, what)
		}
	}
	for what, bad := range map[string]struct {
		at  string
		tls pmqtt.TLS
	}{
		"another authority": {secured.byName(), pmqtt.TLS{RootCAs: others.pem}},
		"the system's":      {secured.byName(), pmqtt.TLS{}},
		"another name":      {secured.address(), pmqtt.TLS{RootCAs: ours.pem}},
	} {
		bad := bad
		err := create(t, pmqtt.Options{Broker: bad.at, TLS: &bad.tls}).Connect(contextOf(t))
		if !errors.Is(err, pmqtt.ErrTLS) || !contains(err.Error(), "certificate") && !contains(err.Error(), "mismatch") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	ours := newAuthority(t)
	secured := ours.tlsBroker("require_certificate true", "use_identity_as_username true", "allow_anonymous false")
	cert, key := ours.forClient("gateway")
	keyPEM := pem.EncodeToMemory(key)
	//lint:ignore SA1019 the format that a test can make by the standard library alone
	locked, err := x509.EncryptPEMBlock(rand.Reader, key.Type, key.Bytes, []byte("open"), x509.PEMCipherAES256)
	must(t, err)
	lockedPEM := pem.EncodeToMemory(locked)
	files := write(t, ours.pem, cert, keyPEM, lockedPEM)
	for what, good := range map[string]pmqtt.TLS{
		"in memory":           {RootCAs: ours.pem, Certificate: cert, Key: keyPEM},
		"key beside it":       {RootCAs: ours.pem, Certificate: append(append([]byte{}, cert...), keyPEM...)},
		"in files":            {RootCAFile: files[0], CertificateFile: files[1], KeyFile: files[2]},
		"locked, in memory":   {RootCAs: ours.pem, Certificate: cert, Key: lockedPEM, KeyPassword: "open"},
		"locked, in the file": {RootCAFile: files[0], CertificateFile: files[1], KeyFile: files[3], KeyPassword: "open"},
	} {
		good := good
		if err := create(t, pmqtt.Options{Broker: secured.byName(), TLS: &good}).Connect(contextOf(t)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	without := create(t, pmqtt.Options{Broker: secured.byName(), TLS: &pmqtt.TLS{RootCAs: ours.pem}})
	if err := without.Connect(contextOf(t)); err == nil {
		t.Error("the broker wants no certificate")
	}
	for what, bad := range map[string]struct {
		tls  pmqtt.TLS
		want error
	}{
		"wrong password": {pmqtt.TLS{RootCAs: ours.pem, Certificate: cert, Key: lockedPEM, KeyPassword: "shut"}, pmqtt.ErrTLS},
		"no password":    {pmqtt.TLS{RootCAs: ours.pem, Certificate: cert, Key: lockedPEM}, pmqtt.ErrTLS},
		"no PEM":         {pmqtt.TLS{RootCAs: []byte("nothing")}, pmqtt.ErrTLS},
		"no file":        {pmqtt.TLS{RootCAFile: "/no/such/file"}, pmqtt.ErrOS},
	} {
		bad := bad
		if _, err := pmqtt.New(pmqtt.Options{TLS: &bad.tls}); !errors.Is(err, bad.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPreSharedKey(t *testing.T) {
	keys := write(t, []byte("gateway:00ff17\n"))[0]
	secured := startBroker(t, "psk_hint hint", "psk_file "+keys)
	connect(t, pmqtt.Options{Broker: secured.address(), TLS: &pmqtt.TLS{
		PSKIdentity: "gateway", PSK: []byte{0x00, 0xff, 0x17}, Version: tls.VersionTLS12}})
	wrong := create(t, pmqtt.Options{Broker: secured.address(), TLS: &pmqtt.TLS{
		PSKIdentity: "gateway", PSK: []byte{1}, Version: tls.VersionTLS12}})
	if err := wrong.Connect(contextOf(t)); !errors.Is(err, pmqtt.ErrTLS) {
		t.Fatal(err)
	}
}

func TestALPN(t *testing.T) {
	ours := newAuthority(t)
	cert, key := ours.forServer("localhost")
	pair, err := tls.X509KeyPair(cert, pem.EncodeToMemory(key))
	must(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"mqtt"}})
	must(t, err)
	agreed := make(chan string, 1)
	address := serve(t, listener, func(conn net.Conn, kind byte, body []byte) {
		agreed <- conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
		conn.Write(connAck)
	})
	connect(t, pmqtt.Options{Broker: address, TLS: &pmqtt.TLS{
		RootCAs: ours.pem, ServerName: "localhost", NextProtos: []string{"x-amzn-mqtt-ca", "mqtt"}}})
	if protocol := receive(t, agreed); protocol != "mqtt" {
		t.Fatal(protocol)
	}
}
