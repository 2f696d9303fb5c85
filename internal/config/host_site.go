package config

// siteFiles reports files of sites that cannot be used: error pages, users, maps and secrets of cookies.
func (c *Config) siteFiles(report *checker, h Host) {
	c.pages(report, h, "proxy.defaults.error_pages", c.raw.Proxy.Defaults.ErrorPages)
	for i, m := range c.raw.Proxy.Maps {
		c.mapFile(report, h, item("proxy.maps", i)+".file", m.File, m.Match, func(string) bool { return true })
	}
	for i, f := range c.raw.Proxy.Frontends {
		c.pages(report, h, frontendPath(i, "error_pages"), f.ErrorPages)
		for j := range f.Rules {
			c.ruleFiles(report, h, item(frontendPath(i, "rules"), j), &f.Rules[j], f.Mode)
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

func (c *Config) ruleFiles(report *checker, h Host, path string, r *rawRule, mode string) {
	if h.Users != nil && r.Auth != nil {
		if err := h.Users(r.Auth.UsersFile); err != nil {
			report.errorAt(path+".basic_auth.users_file", err.Error(), "")
		}
	}
	if r.Map != nil {
		c.mapFile(report, h, path+".map.file", r.Map.File, r.Map.Match, func(name string) bool { return c.hasBackend(name, mode) })
	}
}

// mapFile reports a file of a map that cannot be used. known reports whether there may be a value.
func (c *Config) mapFile(report *checker, h Host, path, file, match string, known func(value string) bool) {
	if h.Map == nil {
		return
	}
	if err := h.Map(file, match == "prefix", known); err != nil {
		report.errorAt(path, err.Error(), "")
	}
}

// hasBackend reports whether a frontend of that mode can send what it gets to a backend of that name.
func (c *Config) hasBackend(name, mode string) bool {
	b := (&builder{raw: c.raw}).backend(name)
	return b != nil && b.Mode == mode
}
