package scoring

import (
	"container/list"

	"leadd/lead"
)

// cache keeps the states of the prospects used last, up to a number of
// encoded bytes. States in it are never changed: Apply makes new ones.
type cache struct {
	limit, size int
	order       *list.List // of *cached, used last in front
	byKey       map[string]*list.Element
}

type cached struct {
	state *lead.Prospect
	size  int
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), byKey: make(map[string]*list.Element)}
}

func (c *cache) get(key string) *lead.Prospect {
	e, ok := c.byKey[key]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).state
}

func (c *cache) put(p *lead.Prospect, size int) {
	e := c.byKey[p.Key]
	if e == nil {
		e = c.order.PushFront(new(cached))
		c.byKey[p.Key] = e
	}
	c.order.MoveToFront(e)
	was := e.Value.(*cached)
	c.size += size - was.size
	was.state, was.size = p, size
	for c.size > c.limit {
		c.remove(c.order.Back().Value.(*cached).state.Key)
	}
}

func (c *cache) remove(key string) {
	if e, ok := c.byKey[key]; ok {
		c.size -= e.Value.(*cached).size
		c.order.Remove(e)
		delete(c.byKey, key)
	}
}
