package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned leaves a certificate for the name and its key in a folder.
func selfSigned(t *testing.T, name string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pool
}

func TestTheConsoleServesHTTPSWithoutAProxy(t *testing.T) {
	cert, key, pool := selfSigned(t, "seal.example.org")
	addr := freeAddress(t)
	public := "https://seal.example.org"
	launchProcess(t, nil, "serve", "--addr", addr, "--db", filepath.Join(t.TempDir(), "cxseal.db"), "--public-url", public,
		"--tls-cert", cert, "--tls-key", key).says("serving on " + public)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	resp, err := client.Get(public + "/login")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close() //nolint:errcheck // not read
	if resp.StatusCode != 200 || resp.Header.Get("Strict-Transport-Security") == "" || !strings.Contains(resp.Header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("%d, HSTS %q, cookie %q", resp.StatusCode, resp.Header.Get("Strict-Transport-Security"), resp.Header.Get("Set-Cookie"))
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}, DialContext: transport.DialContext} //nolint:gosec // G402: it must be refused
	defer old.CloseIdleConnections()
	if _, err := (&http.Client{Transport: old, Timeout: patience}).Get(public + "/login"); err == nil { //nolint:bodyclose // there is none
		t.Error("TLS 1.1 was accepted")
	}
}

func TestHalfSetTLSIsAWrongSetting(t *testing.T) {
	cert, key, _ := selfSigned(t, "seal.example.org")
	for want, args := range map[string][]string{
		"--tls-cert and --tls-key go together":    {"--tls-cert", cert},
		"--tls-cert and --acme-domain exclude":    {"--tls-cert", cert, "--tls-key", key, "--acme-domain", "seal.example.org"},
		"--public-url must be the https":          {"--tls-cert", cert, "--tls-key", key},
		"--tls-cert and --tls-key cannot be used": {"--tls-cert", key, "--tls-key", cert, "--public-url", "https://seal.example.org"},
		"name one of --seal-key-file":             {"--seal-key-file", "a", "--seal-key-command", "b"},
		"--no-local-login needs --sso-providers":  {"--no-local-login"},
		"is not a JSON list of providers":         {"--sso-providers", cert},
		"the sealing key cannot be read":          {"--seal-key-file", cert},
	} {
		got := command(t, nil, append([]string{"serve", "--addr", freeAddress(t), "--db", filepath.Join(t.TempDir(), "cxseal.db")}, args...)...)
		lines := strings.Split(strings.TrimSpace(got.stderr), "\n")
		if got.code != exitUsage || !strings.Contains(strings.ToLower(lines[len(lines)-1]), strings.ToLower(want)) {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
	}
}
