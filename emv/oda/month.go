package oda

import (
	"fmt"

	"sotto/emv"
)

// Month is a field MMYY as it stands in a certificate, which expires with the
// last day of that month. The zero Month is none.
type Month [2]byte

// NewMonth writes a month of the years 1950 to 2049; others are ErrExpired.
func NewMonth(year, month int) (Month, error) {
	if year < 1950 || year > 2049 || month < 1 || month > 12 {
		return Month{}, ErrExpired
	}
	return Month{bcd(month), bcd(year % 100)}, nil
}

// YM is the month, or ErrExpired if there is none. Years 50 to 99 are of the
// last century (EMV 4.4 Book 4, 6.7.3).
func (m Month) YM() (year, month int, err error) {
	month, ok1 := unbcd(m[0])
	year, ok2 := unbcd(m[1])
	if !ok1 || !ok2 || month < 1 || month > 12 {
		return 0, 0, ErrExpired
	}
	if year < 50 {
		return 2000 + year, month, nil
	}
	return 1900 + year, month, nil
}

// String is the month as 2029-12, or "no month".
func (m Month) String() string {
	year, month, err := m.YM()
	if err != nil {
		return "no month"
	}
	return fmt.Sprintf("%04d-%02d", year, month)
}

// Over reports whether the month has ended on this day. What is no month or no
// date has: nothing is trusted for want of a calendar.
func (m Month) Over(today emv.Date) bool {
	year, month, err := m.YM()
	y, mon, _, errToday := today.YMD()
	return err != nil || errToday != nil || year*12+month < y*12+mon
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

func unbcd(b byte) (n int, ok bool) {
	return int(b>>4)*10 + int(b&0xF), b>>4 <= 9 && b&0xF <= 9
}
