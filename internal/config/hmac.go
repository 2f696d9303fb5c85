package config

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/tandem-lb/tandem/internal/keyfile"
	"github.com/tandem-lb/tandem/vrrp"
	"github.com/tandem-lb/tandem/vrrp/seal"
)

const (
	hexPrefix = "hex:"
	// leastWindow is what the clocks of hosts with NTP are within at any rate, and Keepalived's.
	leastWindow = 5 * time.Second
	mostWindow  = 300 * time.Second
	// maxKeyFile bounds a key file: the longest key in hexadecimal, and a line end.
	maxKeyFile = len(hexPrefix) + 2*seal.MaxSecret + 2
)

type rawAuthentication struct {
	Type       string        `yaml:"type"`
	Password   *string       `yaml:"password"`
	Mode       string        `yaml:"mode"` // empty: absent, as for those below
	Keys       []rawHMACKey  `yaml:"keys"`
	ActiveKey  uint8         `yaml:"active_key"`
	AntiReplay string        `yaml:"anti_replay"`
	Window     time.Duration `yaml:"time_window"`
}

type rawHMACKey struct {
	ID   uint8   `yaml:"id"`
	Key  *string `yaml:"key"`
	File string  `yaml:"key_file"`
}

// hmacSecret is a key as it stands in the configuration: Keepalived's form, so that both can have the same.
func hmacSecret() Type {
	want := fmt.Sprintf("%s and %d to %d digits, or text of %d to %d octets", hexPrefix, 2*seal.MinSecret, 2*seal.MaxSecret, seal.MinSecret, seal.MaxSecret)
	return Type{Kind: "key", Range: want, Want: want, tags: textTags, fault: func(text string) string {
		_, what := parseSecret(text)
		return what
	}}
}

// parseSecret returns the octets of a key, or what is wrong with it: never a part of it.
func parseSecret(text string) (octets []byte, what string) {
	octets = []byte(text)
	if digits, ok := strings.CutPrefix(text, hexPrefix); ok {
		var err error
		if octets, err = hex.DecodeString(digits); err != nil {
			return nil, "no pairs of hexadecimal digits behind " + hexPrefix
		}
	}
	switch n := len(octets); {
	case n < seal.MinSecret || n > seal.MaxSecret:
		return nil, fmt.Sprintf("%d octets", n)
	case strings.ContainsFunc(text, isControl):
		return nil, "a control character in it"
	}
	return octets, ""
}

// checkAuthentication reports what does not fit together in the authentication of an instance.
func (b *builder) checkAuthentication(i int) {
	raw := b.raw.VRRP.Instances[i].Authentication
	if raw == nil {
		return
	}
	path := instancePath(i, "authentication")
	if raw.Type == "HMAC" {
		b.checkHMAC(path, raw)
		return
	}
	for key, given := range map[string]bool{
		"mode": raw.Mode != "", "keys": raw.Keys != nil, "active_key": raw.ActiveKey != 0, "anti_replay": raw.AntiReplay != "", "time_window": raw.Window != 0,
	} {
		if given {
			b.errorAt(join(path, key), "does nothing with a password", "it with type HMAC alone")
		}
	}
	if raw.Type == "PASS" && raw.Password == nil && !b.reported(join(path, "password")) {
		b.errorAt(join(path, "password"), "is missing", password().Want)
	}
}

func (b *builder) checkHMAC(path string, raw *rawAuthentication) {
	if raw.Password != nil {
		b.errorAt(join(path, "password"), "HMAC has keys and no password", "keys")
	}
	if raw.Keys == nil && !b.reported(join(path, "keys")) {
		b.errorAt(join(path, "keys"), "is missing", "one key at least")
	}
	if raw.AntiReplay == "monotonic" && raw.Window != 0 {
		b.errorAt(join(path, "time_window"), "monotonic compares no clocks", "it with anti_replay: time alone")
	}
	if raw.Window%time.Second != 0 {
		b.errorAt(join(path, "time_window"), fmt.Sprintf("%v is not in whole seconds", raw.Window), "whole seconds")
	}
	ids := unique{b: b}
	active := len(raw.Keys) == 1 && raw.ActiveKey == 0
	for j, k := range raw.Keys {
		at := item(join(path, "keys"), j)
		if k.ID != 0 {
			ids.add(fmt.Sprint(k.ID), "key id", join(at, "id"))
		}
		active = active || k.ID == raw.ActiveKey
		if (k.Key == nil) == (k.File == "") && !b.reported(at) {
			b.errorAt(at, "has no key, or two", "one of key and key_file")
		}
	}
	switch {
	case active || b.reported(join(path, "keys")) || b.reported(join(path, "active_key")):
	case raw.ActiveKey == 0:
		b.errorAt(path, "does not say which key signs", "active_key, where there are several keys")
	default:
		b.errorAt(join(path, "active_key"), fmt.Sprintf("no key has the id %d", raw.ActiveKey), "the id of one of keys")
	}
}

// readKeys reads the key files of all instances, each once.
func (b *builder) readKeys() {
	if b.readKey == nil {
		return
	}
	for i, in := range b.raw.VRRP.Instances {
		if in.Authentication == nil {
			continue
		}
		for j := range in.Authentication.Keys {
			if k := &in.Authentication.Keys[j]; k.File != "" && k.Key == nil {
				path := item(instancePath(i, "authentication.keys"), j) + ".key_file"
				k.Key = b.keyOf(path, k.File)
			}
		}
	}
}

// keyOf returns what a key file holds, or nil when it reports that it cannot be used.
func (b *builder) keyOf(path, file string) *string {
	text, err := b.readKey(file)
	if err != nil {
		b.errorAt(path, err.Error(), "a file with a key")
		return nil
	}
	if _, what := parseSecret(text); what != "" {
		b.errorAt(path, file+" holds no key: "+what, hmacSecret().Want)
		return nil
	}
	return &text
}

// readKeyFile returns what a file holds that others than the daemon cannot read, without the end of its line.
func readKeyFile(file string) (string, error) {
	f, err := keyfile.Read(file, maxKeyFile)
	if err != nil {
		return "", err
	}
	if err := f.Private(keyfile.Own); err != nil {
		return "", err
	}
	return strings.TrimRight(string(f.Data), "\r\n"), nil
}

// hmac returns how the adverts of an instance are signed. What cannot be used has been reported.
func (raw *rawAuthentication) hmac(interval time.Duration) vrrp.HMAC {
	if raw == nil || raw.Type != "HMAC" {
		return vrrp.HMAC{}
	}
	h := vrrp.HMAC{
		Mode:   map[string]vrrp.HMACMode{"permissive": vrrp.HMACPermissive, "receive-only": vrrp.HMACReceiveOnly}[raw.Mode],
		Active: raw.ActiveKey,
		Window: raw.Window,
	}
	for _, k := range raw.Keys {
		if k.Key == nil {
			continue
		}
		octets, _ := parseSecret(*k.Key)
		if key, err := seal.NewKey(k.ID, octets); err == nil {
			h.Keys = append(h.Keys, key)
		}
	}
	if raw.ActiveKey == 0 && len(h.Keys) > 0 {
		h.Active = h.Keys[0].ID
	}
	switch {
	case raw.AntiReplay == "monotonic":
		h.Window = 0
	case h.Window == 0:
		h.Window = min(max(3*interval.Truncate(time.Second), leastWindow), mostWindow)
	}
	return h
}
