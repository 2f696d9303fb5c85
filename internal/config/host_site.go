package config

// siteFiles reports files of sites that cannot be used: error pages, users, maps and secrets of cookies.
func (c *Config) siteFiles(report *checker, h Host) {
	c.pages(report, h, "proxy.defaults.error_pages", c.raw.Proxy.Defaults.ErrorPages)
	for i, f := range c.raw.Proxy.Frontends {
		c.pages(report, h, frontendPath(i, "error_pages"), f.ErrorPages)
		for j := range f.Rules {
			c.ruleFiles(report, h, item(frontendPath(i, "rules"), j), &f.Rules[j])
		}
	}
	for i, b := range c.raw.Proxy.Backends {
		c.pages(report, h, backendPath(i, "error_pages"), b.ErrorPages)
		if h.CookieSecret != nil && b.Cookie != nil && b.Cookie.SecretFile != "" {
			if err := h.CookieSecret(b.Cookie.SecretFile); err != nil {
				report.errorAt(backendPath(i, "cookie.secret_file"), err.Error(), "")
			}
		}
	}
}

func (c *Config) pages(report *checker, h Host, path string, files map[string]string) {
	if h.ErrorPage == nil {
		return
	}
	for status, file := range files {
		if err := h.ErrorPage(file); err != nil {
			report.errorAt(join(path, status), err.Error(), "")
		}
	}
}

func (c *Config) ruleFiles(report *checker, h Host, path string, r *rawRule) {
	if h.Users != nil && r.Auth != nil {
		if err := h.Users(r.Auth.UsersFile); err != nil {
			report.errorAt(path+".basic_auth.users_file", err.Error(), "")
		}
	}
	if h.Map != nil && r.Map != nil {
		if err := h.Map(r.Map.File, r.Map.Match == "prefix", c.hasSite); err != nil {
			report.errorAt(path+".map.file", err.Error(), "")
		}
	}
}

// hasSite reports whether requests can go to a backend of that name.
func (c *Config) hasSite(name string) bool {
	b := (&builder{raw: c.raw}).backend(name)
	return b != nil && b.Mode != modeTCP
}
