package pmqtt

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import "unsafe"

// TLS says how a connection is secured. The zero value is safe: the broker's certificate has to lead
// to an authority of the system's store, and to be for the host.
type TLS struct {
	// RootCAs are the authorities to trust, PEM, or RootCAFile has them. Default: the system's.
	RootCAs    []byte
	RootCAFile string
	// Certificate is the client's, and those that lead to its authority, PEM, with its Key; or
	// CertificateFile and KeyFile have them. Without a key of its own, it stands there too. What is
	// in memory and what is in files do not go together, RootCAs included.
	Certificate, Key         []byte
	CertificateFile, KeyFile string
	// KeyPassword opens a key that is encrypted.
	KeyPassword string

	// ServerName is the name to ask for (SNI), which the certificate has to be for. Default: the
	// broker's host.
	ServerName string
	// NextProtos are what ALPN offers, the best first.
	NextProtos []string
	// PSKIdentity and PSK are a key that both sides know, in place of certificates.
	PSKIdentity string
	PSK         []byte

	// Version is one of crypto/tls, such as tls.VersionTLS13, and no other is used then. Default:
	// the best that both sides have, 1.2 at least.
	Version uint16
	// CipherSuites are OpenSSL's names with colons between them. Default: its choice.
	CipherSuites string

	// InsecureAnyName accepts a good certificate for any name.
	InsecureAnyName bool
	// InsecureSkipVerify accepts any certificate, so that anybody can listen.
	InsecureSkipVerify bool
}

func (t *TLS) check() error {
	if t == nil {
		return nil
	}
	if t.inMemory() && t.RootCAFile+t.CertificateFile+t.KeyFile != "" {
		return invalid("TLS: certificates are given in memory and in files")
	}
	if t.Version != 0 && (t.Version < 0x301 || t.Version > 0x304) {
		return invalid("TLS: the version is none of TLS 1.0 to 1.3")
	}
	texts := append([]string{string(t.RootCAs), t.RootCAFile, string(t.Certificate), string(t.Key),
		t.CertificateFile, t.KeyFile, t.KeyPassword, t.ServerName, t.PSKIdentity, t.CipherSuites}, t.NextProtos...)
	for _, text := range texts {
		if err := checkString("TLS: an option", text); err != nil {
			return err
		}
	}
	return nil
}

func (t *TLS) inMemory() bool {
	return len(t.RootCAs)+len(t.Certificate)+len(t.Key) > 0
}

func (c *Client) applyTLS(t *TLS) error {
	if t == nil {
		return nil
	}
	client := c.bridge.client
	if err := c.lastError(c.applyCertificates(t)); err != nil {
		return err
	}
	if t.InsecureAnyName {
		if err := c.lastError(C.pmqtt_tls_insecure_set(client, true)); err != nil {
			return err
		}
	}
	if t.ServerName != "" {
		name := C.CString(t.ServerName)
		defer freeAll(name)
		if err := c.lastError(C.pmqtt_tls_server_name_set(client, name)); err != nil {
			return err
		}
	}
	if len(t.PSK) > 0 || t.PSKIdentity != "" {
		identity, key := C.CString(t.PSKIdentity), C.CBytes(t.PSK)
		defer freeAll(identity, (*C.char)(key))
		defer wipe(key, len(t.PSK))
		if err := c.lastError(C.pmqtt_tls_psk_set(client, identity, key, C.size_t(len(t.PSK)))); err != nil {
			return err
		}
	}
	return c.applyProtocols(t.NextProtos)
}

func (c *Client) applyCertificates(t *TLS) C.int {
	demand, version := C.int(C.PMQTT_CERT_REQUIRED), C.int(0)
	if t.InsecureSkipVerify {
		demand = C.PMQTT_CERT_NONE
	}
	if t.Version != 0 {
		version = C.PMQTT_TLS_V1_0 + C.int(t.Version-0x301)
	}
	ciphers, password := optional(t.CipherSuites), optional(t.KeyPassword)
	c.bridge.key_password = password
	defer func() {
		c.bridge.key_password = nil
		freeAll(ciphers)
		freeSecrets(password)
	}()
	if t.inMemory() {
		cas, cert, key := optional(string(t.RootCAs)), optional(string(t.Certificate)), optional(string(t.Key))
		defer freeAll(cas, cert)
		defer freeSecrets(key)
		return C.pmqtt_tls_pem_set(c.bridge.client, cas, cert, key, demand, version, ciphers)
	}
	cas, cert, key := optional(t.RootCAFile), optional(t.CertificateFile), optional(t.KeyFile)
	defer freeAll(cas, cert, key)
	return C.pmqtt_tls_set(c.bridge.client, cas, cert, key, demand, version, ciphers)
}

func (c *Client) applyProtocols(protocols []string) error {
	if len(protocols) == 0 {
		return nil
	}
	array := C.calloc(C.size_t(len(protocols)), C.size_t(unsafe.Sizeof((*C.char)(nil))))
	defer C.free(array)
	names := unsafe.Slice((**C.char)(array), len(protocols))
	for i, protocol := range protocols {
		names[i] = C.CString(protocol)
	}
	defer freeAll(names...)
	return c.lastError(C.pmqtt_tls_alpn_set(c.bridge.client, &names[0], C.size_t(len(names))))
}
