package main

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// encrypted are the settings of HTTPS, where no reverse proxy does it.
type encrypted struct {
	TLSCert       string   `help:"A certificate chain, PEM. Read again when the file changes." env:"CXSEAL_TLS_CERT" placeholder:"FILE"`
	TLSKey        string   `help:"The certificate's key, PEM." env:"CXSEAL_TLS_KEY" placeholder:"FILE"`
	ACMEDomain    []string `help:"Get certificates for these names by ACME (TLS-ALPN-01 on this address, which the world must reach as port 443)." env:"CXSEAL_ACME_DOMAIN" placeholder:"NAME,…"`
	ACMEEmail     string   `help:"Where the certificate authority may write." env:"CXSEAL_ACME_EMAIL"`
	ACMEDirectory string   `help:"The authority's directory." default:"https://acme-v02.api.letsencrypt.org/directory" env:"CXSEAL_ACME_DIRECTORY" placeholder:"URL"`
	ACMECache     string   `help:"Folder for certificates; DB.acme unless given." env:"CXSEAL_ACME_CACHE" placeholder:"DIR"`
}

// config is nil without TLS. With it the public address is https, so that
// cookies are Secure and browsers are told to stay.
func (e encrypted) config(publicURL, db string) (*tls.Config, error) {
	files := e.TLSCert != "" || e.TLSKey != ""
	switch {
	case !files && len(e.ACMEDomain) == 0:
		return nil, nil
	case files && len(e.ACMEDomain) > 0:
		return nil, usagef("--tls-cert and --acme-domain exclude each other")
	case files && (e.TLSCert == "" || e.TLSKey == ""):
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	if u, err := url.Parse(publicURL); err != nil || u.Scheme != "https" {
		return nil, usagef("with TLS, --public-url must be the https:// address that browsers use")
	}
	if files {
		pair := &keyPair{cert: e.TLSCert, key: e.TLSKey}
		if _, err := pair.get(nil); err != nil {
			return nil, usagef("--tls-cert and --tls-key cannot be used: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get, NextProtos: []string{"h2", "http/1.1"}}, nil
	}
	cache := e.ACMECache
	if cache == "" {
		cache = db + ".acme"
	}
	manager := &autocert.Manager{Prompt: autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(e.ACMEDomain...), Email: e.ACMEEmail,
		Cache: autocert.DirCache(filepath.Clean(cache)), Client: &acme.Client{DirectoryURL: e.ACMEDirectory}}
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS12
	return config, nil
}

// keyPair reads certificate files again when they change, so that a renewed
// certificate needs no restart.
type keyPair struct {
	cert, key string

	mu      sync.Mutex
	read    *tls.Certificate
	changed time.Time // of the certificate's file when it was read
	looked  time.Time
}

const lookAtFiles = time.Minute

func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read != nil && time.Since(p.looked) < lookAtFiles {
		return p.read, nil
	}
	p.looked = time.Now()
	info, err := os.Stat(p.cert)
	if err == nil && p.read != nil && info.ModTime().Equal(p.changed) {
		return p.read, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(p.cert, p.key)
	switch {
	case loadErr == nil && err == nil:
		p.read, p.changed = &pair, info.ModTime()
	case p.read == nil && loadErr != nil:
		return nil, loadErr
	case p.read == nil:
		return nil, err
	}
	return p.read, nil // half-written files leave the old pair in use
}
