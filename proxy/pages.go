package proxy

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/tandem-lb/tandem/internal/keyfile"
	"github.com/tandem-lb/tandem/proxy/exchange"
)

// maxPage bounds an error page, in octets: it is held for each backend that has it, and written at once.
const maxPage = 64 << 10

// pageTypes are the content types of error pages, by the ends of their files' names.
var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".json": "application/json",
}

// loadPages reads the error pages of the configuration. All faults are reported.
func loadPages(files map[int]string) (exchange.Pages, error) {
	if len(files) == 0 {
		return nil, nil
	}
	pages := exchange.Pages{}
	var faults []error
	for _, status := range slices.Sorted(maps.Keys(files)) {
		page, err := loadPage(files[status])
		if err != nil {
			faults = append(faults, fmt.Errorf("error page for %d: %w", status, err))
		}
		pages[status] = page
	}
	return pages, errors.Join(faults...)
}

func loadPage(name string) (page exchange.Page, err error) {
	kind, ok := pageTypes[filepath.Ext(name)]
	if !ok {
		return page, fmt.Errorf("%s: want a file that ends in .html, .htm, .txt or .json", name)
	}
	file, err := keyfile.Read(name, maxPage)
	if err != nil {
		return page, err
	}
	return exchange.Page{ContentType: kind, Body: string(file.Data)}, nil
}
