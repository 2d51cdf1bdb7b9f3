package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"leadd/lead"
)

type prospectsView struct {
	picked
	Stage     lead.Stage
	Source    string
	Stages    []link
	AllURL    string // the same without Source
	FunnelURL string
	List      []Listed
	Paging    paging
}

func (d *Dashboard) prospectsPage(r *http.Request) (any, error) {
	now := time.Now()
	p, err := d.pick(r, now)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	page, err := pageNumber(q)
	if err != nil {
		return nil, err
	}
	v := prospectsView{picked: p, Source: q.Get("source"), FunnelURL: path("/", p.query)}
	if !validKey(v.Source) && v.Source != "" {
		return nil, badRequest{errors.New("source is not understood: use the name of a configured source")}
	}
	if s := q.Get("stage"); s != "" {
		if v.Stage, err = lead.ParseStage(s); err != nil {
			return nil, badRequest{err}
		}
	}
	var total uint64
	var products []string
	ctx := r.Context()
	var g errgroup.Group // without a context: see queryTimeout
	g.Go(func() (err error) {
		v.List, total, err = d.store.list(ctx, p.Product, now, p.Period, v.Stage, v.Source, listPage, (page-1)*listPage)
		return err
	})
	g.Go(func() (err error) { products, err = d.store.products(ctx); return err })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, s := range lead.Stages() {
		label := stagePlural(s)
		if s == lead.StageContact {
			label = "All"
		}
		v.Stages = append(v.Stages, link{label, path("/prospects", p.query, "source", v.Source, "stage", stageParam(s)), s == v.Stage})
	}
	for i := range v.Presets {
		v.Presets[i].URL = path("/prospects", url.Values{}, "product", p.Asked, "period", presets()[i].Name, "stage", stageParam(v.Stage), "source", v.Source)
	}
	v.AllURL = path("/prospects", p.query, "stage", stageParam(v.Stage))
	v.Products = productLinks(d.products(products, p.Product), p.Product, "/prospects", p.query, "stage", stageParam(v.Stage), "source", v.Source)
	base := path("/prospects", p.query, "stage", stageParam(v.Stage), "source", v.Source)
	v.Paging = newPaging(base, page, len(v.List), total)
	return v, nil
}

func stageParam(s lead.Stage) string {
	if s == lead.StageContact {
		return ""
	}
	return s.String()
}
