package emv

import "cmp"

// Date is a field YYMMDD of the format n 6 as it stands on the wire: 9A, 5F24,
// 5F25. A terminal may have written anything into it; YMD says whether it is a
// date.
type Date [3]byte

// NewDate writes a date of the years 1950 to 2049; others are ErrDate.
func NewDate(year, month, day int) (Date, error) {
	if year < 1950 || year > 2049 || month < 1 || month > 12 || day < 1 || day > days(year, month) {
		return Date{}, ErrDate
	}
	var d Date
	putDigits(d[:], int64(year%100*10000+month*100+day))
	return d, nil
}

// ParseDate reads three bytes, which must be a date.
func ParseDate(b []byte) (Date, error) {
	if len(b) != len(Date{}) {
		return Date{}, ErrLength
	}
	d := Date(b)
	_, _, _, err := d.YMD()
	return d, err
}

// YMD is the date, or ErrDate. Years 00 to 49 are of this century, 50 to 99 of
// the last (Book 4, 6.7.3).
func (d Date) YMD() (year, month, day int, err error) {
	v, err := digits(d[:])
	if err != nil {
		return 0, 0, 0, ErrDate
	}
	year, month, day = century(int(v/10000)), int(v/100%100), int(v%100)
	if month < 1 || month > 12 || day < 1 || day > days(year, month) {
		return 0, 0, 0, ErrDate
	}
	return year, month, day, nil
}

// Compare is negative if d is before e, 0 on the same day, and positive after.
// What is no date is before all dates: an application that has lost its expiry
// date has expired.
func (d Date) Compare(e Date) int { return cmp.Compare(d.ordinal(), e.ordinal()) }

// ordinal grows from day to day; of what is no date it is 0.
func (d Date) ordinal() int {
	y, m, day, err := d.YMD()
	if err != nil {
		return 0
	}
	return y*10000 + m*100 + day
}

// String is the date as in "2031-12-31", or "no date".
func (d Date) String() string {
	y, m, day, err := d.YMD()
	if err != nil {
		return "no date"
	}
	text := []byte("0000-00-00")
	putText(text[0:4], y)
	putText(text[5:7], m)
	putText(text[8:10], day)
	return string(text)
}

func putText(b []byte, v int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
}

func century(yy int) int {
	if yy < 50 {
		return 2000 + yy
	}
	return 1900 + yy
}

// days of a month; 2000 is the only century here, and it was a leap year.
func days(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 {
			return 29
		}
		return 28
	}
	return 31
}
