package pmqtt

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import "unsafe"

// TLS sets how a connection is secured. The zero value is safe: an authority of the system's store must have issued
// the broker's certificate, and the certificate must be for the host.
type TLS struct {
	// RootCAs are the certificates of the trusted authorities, PEM. RootCAFile names a file with them instead. Default:
	// the system's store.
	RootCAs    []byte
	RootCAFile string
	// Certificate is the client's certificate and its chain, PEM; Key is its private key. CertificateFile and KeyFile
	// name files with them instead. Without a key, the text or file of the certificate must contain it. Either
	// all of these come from files, or all come from memory, also RootCAs.
	Certificate, Key         []byte
	CertificateFile, KeyFile string
	// KeyPassword decrypts an encrypted key.
	KeyPassword string

	// ServerName is the name that the client sends (SNI), and that the certificate must be for. Default: the broker's
	// host.
	ServerName string
	// NextProtos are the protocols that the client offers by ALPN, the preferred one first.
	NextProtos []string
	// PSKIdentity and PSK are a pre-shared key and its identity. The broker may still choose a certificate instead.
	PSKIdentity string
	PSK         []byte

	// Version is a version of crypto/tls, such as tls.VersionTLS13: the client uses this version only. Default: the
	// newest that both sides support, 1.2 or later.
	Version uint16
	// CipherSuites are names of OpenSSL, separated by colons. Default: the choice of OpenSSL.
	CipherSuites string

	// InsecureAnyName accepts a valid certificate for any name.
	InsecureAnyName bool
	// InsecureSkipVerify accepts any certificate. An attacker can then pretend to be the broker.
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
