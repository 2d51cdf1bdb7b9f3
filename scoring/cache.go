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
	c.remove(p.Key)
	c.byKey[p.Key] = c.order.PushFront(&cached{state: p, size: size})
	c.size += size
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
