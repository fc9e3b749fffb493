package screen

import "sotto/card"

// Panel is what pages are put on: e-paper, a framebuffer, a terminal, a file. An
// update that is interrupted leaves the picture before, the new one or none,
// never a part of one.
type Panel interface {
	// Put shows a page, and returns when a person can see it.
	Put(l *Layout, page int) error
	// Blank takes away whatever is there and leaves no trace of it.
	Blank() error
}

// Prompt is the card.Prompt and card.Pager that shows views on a Panel.
type Prompt struct {
	// Panel is the card's own; a card without one is looked at by other means.
	Panel Panel
	// Copies show the same to onlookers. That they fail is no failure to show.
	Copies []Panel
	// Failed hears of what has nobody to be returned to: a copy, a blanking, the
	// turn of a page. It may be nil.
	Failed func(error)

	layout *Layout
	page   int
}

// Show implements card.Prompt.
func (p *Prompt) Show(v card.View) error {
	p.layout, p.page = Compose(v), 0
	return p.put()
}

// PageNext implements card.Pager.
func (p *Prompt) PageNext() {
	if p.layout == nil || p.layout.Pages() == 1 {
		return
	}
	p.page++
	p.failed(p.put())
}

// Clear implements card.Prompt.
func (p *Prompt) Clear() {
	p.layout, p.page = nil, 0
	if p.Panel != nil {
		p.failed(p.Panel.Blank())
	}
	for _, c := range p.Copies {
		p.failed(c.Blank())
	}
}

func (p *Prompt) put() error {
	for _, c := range p.Copies {
		p.failed(c.Put(p.layout, p.page))
	}
	if p.Panel == nil {
		return nil
	}
	return p.Panel.Put(p.layout, p.page)
}

func (p *Prompt) failed(err error) {
	if err != nil && p.Failed != nil {
		p.Failed(err)
	}
}

// Memory is a Panel in memory. The zero Memory is blank.
type Memory struct {
	Frame Frame
	Lines []string
}

// Put implements Panel.
func (m *Memory) Put(l *Layout, page int) error {
	m.Frame, m.Lines = l.Frame(page), l.Lines(page)
	return nil
}

// Blank implements Panel.
func (m *Memory) Blank() error {
	*m = Memory{}
	return nil
}
