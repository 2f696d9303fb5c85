package doctor

import (
	"context"
	"time"

	"github.com/tandem-lb/tandem/proxy/resolve"
)

// longestNames bounds how long names are waited for: a daemon would have tried twice by then.
const longestNames = 15 * time.Second

// lookUp asks for the names of the plan, as the daemon does.
func lookUp(ctx context.Context, p Plan) []Lookup {
	if len(p.Names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestNames)
	defer cancel()
	var queries []resolve.Query
	for _, n := range p.Names {
		queries = append(queries, n.Query)
	}
	var all []Lookup
	for i, a := range resolve.LookUp(ctx, p.Resolvers, queries) {
		l := Lookup{Name: p.Names[i].Name, Servers: p.Names[i].Servers, Addresses: len(a.Endpoints), Took: a.Took}
		if a.Err != nil {
			l.Err = a.Err.Error()
		}
		all = append(all, l)
	}
	return all
}
