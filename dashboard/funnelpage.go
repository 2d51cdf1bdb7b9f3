package dashboard

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"leadd/lead"
)

// newPromotions is how many promotions the funnel page shows.
const newPromotions = 10

type funnelView struct {
	picked
	Funnel     Funnel
	Steps      []stepView
	LostURL    string
	Sources    []sourceView
	Chart      *chart
	Promotions []Promotion
	Empty      *emptyView // nothing has arrived at all
}

type stepView struct {
	StageStep
	Shape string
	Width string // share of all prospects, for the bar a phone shows
	After string // what its conversion is a share of
	URL   string
}

type sourceView struct {
	Group
	URL  string
	Bars []sourceBar
}

type sourceBar struct{ Class, Width string }

// emptyView tells what to do where nothing has arrived yet.
type emptyView struct {
	Hint
	Base string // scheme and host this page was asked at
}

func (d *Dashboard) funnelPage(r *http.Request) (any, error) {
	now := time.Now()
	p, err := d.pick(r, now)
	if err != nil {
		return nil, err
	}
	v := funnelView{picked: p}
	bucket := bucketOf(p.Period, now)
	var buckets []Group
	var products []string
	something := true
	ctx := r.Context()
	var g errgroup.Group // without a context: see queryTimeout
	g.Go(func() (err error) {
		v.Funnel, buckets, err = d.store.funnel(ctx, p.Product, now, p.Period, bySource, bucket)
		return err
	})
	g.Go(func() (err error) { v.Promotions, err = d.store.promotions(ctx, p.Product, newPromotions); return err })
	g.Go(func() (err error) { products, err = d.store.products(ctx); return err })
	g.Go(func() (err error) { something, err = d.store.anything(ctx); return err })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if !something {
		v.Empty = &emptyView{Hint: d.hint, Base: baseURL(r)}
		return v, nil
	}
	v.Products = productLinks(d.products(products, p.Product), p.Product, "/", p.query)
	v.LostURL = path("/prospects", p.query, "stage", lead.StageLost.String())
	stages := v.Funnel.Stages
	for i, s := range stages {
		share := stageShare(stages, s.Stage)
		next := share
		if i+1 < len(stages) {
			next = stageShare(stages, stages[i+1].Stage)
		}
		step := stepView{StageStep: s, Shape: funnelShape(share, next), Width: pct(100 * share), URL: path("/prospects", p.query, "stage", s.Stage.String())}
		switch {
		case i == 1:
			step.After = "prospects"
		case i > 1:
			step.After = strings.ToLower(stagePlural(stages[i-1].Stage))
		}
		v.Steps = append(v.Steps, step)
	}
	var most uint64
	for _, g := range v.Funnel.Groups {
		most = max(most, g.Prospects)
	}
	for _, g := range v.Funnel.Groups {
		s := sourceView{Group: g, URL: path("/prospects", p.query, "source", g.Key)}
		for _, step := range g.Stages {
			s.Bars = append(s.Bars, sourceBar{stageClass(step.Stage), pct(100 * float64(step.Prospects) / float64(most))})
		}
		v.Sources = append(v.Sources, s)
	}
	if v.Funnel.Prospects > 0 {
		if c := newChart(p.Period, now, bucket, buckets); len(c.Bars) > 0 { // none in a future period
			v.Chart = c
		}
	}
	return v, nil
}

// baseURL is where the visitor reached this server.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
