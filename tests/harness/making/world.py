"""Real cities with a ZIP code of theirs, and names to make addresses of."""

# City, state, ZIP, and how people misspell the city (empty: they do not).
CITIES = [
    ("New York", "NY", "10001", ""),
    ("Brooklyn", "NY", "11201", "Brooklin"),
    ("Buffalo", "NY", "14202", ""),
    ("Albany", "NY", "12207", ""),
    ("Boston", "MA", "02110", ""),
    ("Cambridge", "MA", "02139", ""),
    ("Providence", "RI", "02903", ""),
    ("Hartford", "CT", "06103", ""),
    ("Burlington", "VT", "05401", ""),
    ("Manchester", "NH", "03101", ""),
    ("Portland", "ME", "04101", ""),
    ("Newark", "NJ", "07102", ""),
    ("Philadelphia", "PA", "19103", "Philadelpia"),
    ("Pittsburgh", "PA", "15222", "Pittsburg"),
    ("Baltimore", "MD", "21202", ""),
    ("Washington", "DC", "20005", ""),
    ("Richmond", "VA", "23219", ""),
    ("Raleigh", "NC", "27601", ""),
    ("Charlotte", "NC", "28202", ""),
    ("Charleston", "SC", "29401", ""),
    ("Atlanta", "GA", "30303", ""),
    ("Miami", "FL", "33131", ""),
    ("Tampa", "FL", "33602", ""),
    ("Nashville", "TN", "37203", ""),
    ("Louisville", "KY", "40202", ""),
    ("Birmingham", "AL", "35203", ""),
    ("New Orleans", "LA", "70112", ""),
    ("Cincinnati", "OH", "45202", "Cincinatti"),
    ("Columbus", "OH", "43215", ""),
    ("Cleveland", "OH", "44114", ""),
    ("Detroit", "MI", "48226", ""),
    ("Indianapolis", "IN", "46204", ""),
    ("Chicago", "IL", "60606", ""),
    ("Milwaukee", "WI", "53202", "Milwakee"),
    ("Minneapolis", "MN", "55402", "Mineapolis"),
    ("Saint Louis", "MO", "63101", "St Louis"),
    ("Kansas City", "MO", "64106", ""),
    ("Omaha", "NE", "68102", ""),
    ("Oklahoma City", "OK", "73102", ""),
    ("Dallas", "TX", "75201", ""),
    ("Austin", "TX", "78701", ""),
    ("Houston", "TX", "77002", ""),
    ("Denver", "CO", "80202", ""),
    ("Salt Lake City", "UT", "84101", ""),
    ("Phoenix", "AZ", "85004", ""),
    ("Albuquerque", "NM", "87102", "Albuquerqe"),
    ("Las Vegas", "NV", "89101", ""),
    ("Los Angeles", "CA", "90017", ""),
    ("San Diego", "CA", "92101", ""),
    ("San Francisco", "CA", "94105", "San Fransisco"),
    ("Sacramento", "CA", "95814", ""),
    ("Portland", "OR", "97204", ""),
    ("Seattle", "WA", "98101", ""),
    ("Spokane", "WA", "99201", ""),
    ("Boise", "ID", "83702", ""),
    ("Honolulu", "HI", "96813", ""),
]

STREETS = [
    "Main", "Market", "Oak", "Maple", "Washington", "Lincoln", "Jefferson", "Franklin", "Harbor",
    "Industrial", "Commerce", "Liberty", "Walnut", "Chestnut", "Cedar", "Highland", "Riverside",
    "Railroad", "College", "Mill", "Sunset", "Monroe", "Madison", "Jackson", "Prospect", "Summit",
]
# As people write it, and as the post office does.
STREET_TYPES = [
    ("Street", "ST"), ("St", "ST"), ("Avenue", "AVE"), ("Ave.", "AVE"), ("Boulevard", "BLVD"),
    ("Road", "RD"), ("Drive", "DR"), ("Lane", "LN"), ("Court", "CT"), ("Parkway", "PKWY"),
]
DEPARTMENTS = [
    "Facilities Management", "Central Receiving", "Department of Chemistry", "IT Services",
    "Environmental Health", "Fleet Maintenance", "Library Annex", "Office of the Registrar",
]
SITES = [
    "Distribution Center", "Main Campus", "Research Park", "Service Center", "Regional Office",
    "Data Center", "Training Center", "Warehouse", "Field Office", "Health Clinic",
]
PEOPLE = [
    "Maria Alvarez", "James Whitfield", "Priya Raman", "Tom Becker", "Aisha Coleman", "Wei Zhang",
    "Nora Lindqvist", "Samuel Ortiz", "Grace O'Neil", "Victor Petrov", "Dana Kowalski", "Liam Hart",
]
VENDORS = [
    "Keystone Industrial Supply", "Granite State Fasteners", "Blue Ridge Office Products",
    "Lakeshore Scientific Inc.", "Prairie Safety Equipment", "Bayside Electronics LLC",
    "Summit Janitorial Supply", "Old Mill Paper Company", "Cascade Tool & Die",
    "Harbor Light Medical", "Red Rock Instruments", "Tidewater Hydraulics",
]
