package sandbox

import (
	"net/http"
	"net/url"
	"strings"
)

// openidConfiguration answers the document that names the token endpoint of
// token mode access-key.
func (s *Sandbox) openidConfiguration(c call) answer {
	base := s.baseURL(c.Request)
	return reply(http.StatusOK, map[string]any{
		"issuer":                                base,
		"token_endpoint":                        base + "/auth/token",
		"grant_types_supported":                 []string{"password"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
	})
}

// cxoneConfiguration answers where a tenant's API is.
func (s *Sandbox) cxoneConfiguration(c call) answer {
	tenant := c.URL.Query().Get("tenantId")
	if tenant == "" {
		return refuse(http.StatusBadRequest, "bad_request", "tenantId", "is missing")
	}
	if tenant != s.cfg.TenantID {
		return refuse(http.StatusNotFound, "not_found", "tenantId", "there is no such tenant")
	}
	return reply(http.StatusOK, map[string]string{
		"area": "sandbox", "tenantId": tenant, "api_endpoint": s.baseURL(c.Request),
	})
}

// baseURL is where the tenant stands for the one who asks: BaseURL, or the
// request's host and the prefix that http.StripPrefix took off. No trailing
// slash.
func (s *Sandbox) baseURL(r *http.Request) string {
	if s.cfg.BaseURL != "" {
		return strings.TrimSuffix(s.cfg.BaseURL, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	prefix := ""
	if asked, err := url.ParseRequestURI(r.RequestURI); err == nil {
		if before, ok := strings.CutSuffix(asked.Path, r.URL.Path); ok {
			prefix = strings.TrimSuffix(before, "/")
		}
	}
	return (&url.URL{Scheme: scheme, Host: r.Host, Path: prefix}).String()
}
