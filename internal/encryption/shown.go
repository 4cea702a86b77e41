package encryption

import (
	"container/list"
	"sync"
)

// shownPlans remembers the plans that people were shown, so that a run whose
// table changed since can say how. It forgets the oldest; a forgotten plan
// costs only the words.
type shownPlans struct {
	mu    sync.Mutex
	order list.List
	byKey map[string]*list.Element
}

const maxShownPlans = 256

func (p *shownPlans) keep(plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey == nil {
		p.byKey = map[string]*list.Element{}
	}
	if e, ok := p.byKey[plan.Fingerprint]; ok {
		p.order.MoveToFront(e)
		return
	}
	p.byKey[plan.Fingerprint] = p.order.PushFront(plan)
	if p.order.Len() > maxShownPlans {
		oldest := p.order.Remove(p.order.Back()).(Plan)
		delete(p.byKey, oldest.Fingerprint)
	}
}

func (p *shownPlans) find(fingerprint string) *Plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.byKey[fingerprint]; ok {
		plan := e.Value.(Plan)
		return &plan
	}
	return nil
}
