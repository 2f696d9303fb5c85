package proxy

import (
	"fmt"

	"github.com/tandem-lb/tandem/internal/keyfile"
	"github.com/tandem-lb/tandem/proxy/auth"
	"github.com/tandem-lb/tandem/proxy/rule"
)

// CheckErrorPage returns why a file can be no error page; nil: it can.
func CheckErrorPage(file string) error {
	_, err := loadPage(file)
	return err
}

// CheckUsers returns why a file cannot say who may come in; nil: it can.
func CheckUsers(file string) error {
	_, err := auth.Load(file)
	return err
}

// CheckMap returns why a file cannot say which backend gets a request; nil: it can. known reports whether there is a backend.
func CheckMap(file string, prefix bool, known func(backend string) bool) error {
	keys, _, err := readMap(file, prefix)
	if err != nil {
		return err
	}
	for _, name := range keys.Values() {
		if !known(name) {
			return fmt.Errorf("%s: no backend %s", file, name)
		}
	}
	return nil
}

// readMap reads the file of a map. The file is returned even where what it says is wrong.
func readMap(name string, prefix bool) (*rule.Dictionary, *keyfile.File, error) {
	file, err := keyfile.Read(name, maxMap)
	if err != nil {
		return nil, nil, err
	}
	keys, err := rule.ParseDictionary(file.Data, prefix)
	if err != nil {
		return nil, file, fmt.Errorf("%s: %w", name, err)
	}
	return keys, file, nil
}
