package dashboard

import (
	"context"
	"errors"
	"net/url"
	"slices"
)

// product is the product that a visitor asks about: without a word, the first
// configured one. One that is no longer configured keeps its results.
func (d *Dashboard) product(q url.Values) (string, error) {
	name := q.Get("product")
	if name == "" {
		return d.hint.product(), nil
	}
	if !validKey(name) {
		return "", badRequest{errors.New("product is not understood: use the name of a criteria file")}
	}
	return name, nil
}

// products lists the products that can be chosen: those configured at the
// start, then others that somebody has been judged for, such as one that came
// with a SIGHUP or is no longer configured, and the one chosen.
func (d *Dashboard) products(stored []string, chosen string) []string {
	all := slices.Clone(d.hint.Products)
	for _, name := range append(slices.Clone(stored), chosen) {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// products gives the names of all products that somebody has been judged for.
func (s store) products(ctx context.Context) ([]string, error) {
	rows, err := selectRows[struct {
		Product string `ch:"product"`
	}](ctx, s, "products", productsSQL, nil)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Product
	}
	return names, err
}

// productLinks leads to the same page for each product; one alone is no choice.
// Pairs are as for path.
func productLinks(products []string, chosen, base string, query url.Values, pairs ...string) (links []link) {
	if len(products) < 2 {
		return nil
	}
	for _, name := range products {
		links = append(links, link{spoken(name), path(base, query, append(pairs, "product", name)...), name == chosen})
	}
	return links
}
