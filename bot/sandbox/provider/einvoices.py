"""E-invoices of the sandbox provider: XML within a PDF (ZUGFeRD) or in its place (XRechnung).

They keep to the schemas. The parties are invented.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from html import escape

from bot.sandbox.provider.invoices import SandboxInvoice, XmlForm

SELLER, BUYER, VAT_ID = "Example Hosting GmbH", "Ada Lovelace", "DE123456789"


GUIDELINES = {
    XmlForm.ZUGFERD: "urn:cen.eu:en16931:2017",
    XmlForm.XRECHNUNG_CII: "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    XmlForm.XRECHNUNG_UBL: "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
}
CII = "urn:un:unece:uncefact:data:standard:"
UBL = "urn:oasis:names:specification:ubl:schema:xsd:"


def xml_of(invoice: SandboxInvoice, form: XmlForm) -> bytes:
    """Return an invoice as XML."""
    return (_ubl(invoice) if form is XmlForm.XRECHNUNG_UBL else _cii(invoice, GUIDELINES[form])).encode()


def _text_of(invoice: SandboxInvoice) -> str:
    return escape(invoice.items[0].description.partition("\n")[0])


def _rate(invoice: SandboxInvoice) -> tuple[str, int]:
    """Return the tax's category and its rate in percent."""
    return ("S", 19) if invoice.tax else ("Z", 0)


def _compact(day: date) -> str:
    return f"{day:%Y%m%d}"


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _cii(invoice: SandboxInvoice, guideline: str) -> str:
    category, rate = _rate(invoice)
    net, tax, gross, left = map(_money, (invoice.net, invoice.tax, invoice.gross, invoice.left))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="{CII}CrossIndustryInvoice:100" \
xmlns:ram="{CII}ReusableAggregateBusinessInformationEntity:100" xmlns:udt="{CII}UnqualifiedDataType:100">
  <rsm:ExchangedDocumentContext>
    <ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>{guideline}</ram:ID>\
</ram:GuidelineSpecifiedDocumentContextParameter>
  </rsm:ExchangedDocumentContext>
  <rsm:ExchangedDocument>
    <ram:ID>{invoice.id}</ram:ID>
    <ram:TypeCode>380</ram:TypeCode>
    <ram:IssueDateTime><udt:DateTimeString format="102">{_compact(invoice.issued)}</udt:DateTimeString>\
</ram:IssueDateTime>
  </rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
      <ram:SpecifiedTradeProduct><ram:Name>{_text_of(invoice)}</ram:Name></ram:SpecifiedTradeProduct>
      <ram:SpecifiedLineTradeAgreement><ram:NetPriceProductTradePrice><ram:ChargeAmount>{net}</ram:ChargeAmount>\
</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>
      <ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity>\
</ram:SpecifiedLineTradeDelivery>
      <ram:SpecifiedLineTradeSettlement>
        <ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>{category}</ram:CategoryCode>\
<ram:RateApplicablePercent>{rate}</ram:RateApplicablePercent></ram:ApplicableTradeTax>
        <ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{net}</ram:LineTotalAmount>\
</ram:SpecifiedTradeSettlementLineMonetarySummation>
      </ram:SpecifiedLineTradeSettlement>
    </ram:IncludedSupplyChainTradeLineItem>
    <ram:ApplicableHeaderTradeAgreement>
      <ram:SellerTradeParty><ram:Name>{SELLER}</ram:Name><ram:PostalTradeAddress><ram:PostcodeCode>10115\
</ram:PostcodeCode><ram:CityName>Berlin</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>\
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">{VAT_ID}</ram:ID></ram:SpecifiedTaxRegistration>\
</ram:SellerTradeParty>
      <ram:BuyerTradeParty><ram:Name>{BUYER}</ram:Name><ram:PostalTradeAddress><ram:PostcodeCode>20095\
</ram:PostcodeCode><ram:CityName>Hamburg</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>\
</ram:BuyerTradeParty>
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeDelivery/>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:ApplicableTradeTax><ram:CalculatedAmount>{tax}</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>\
<ram:BasisAmount>{net}</ram:BasisAmount><ram:CategoryCode>{category}</ram:CategoryCode>\
<ram:RateApplicablePercent>{rate}</ram:RateApplicablePercent></ram:ApplicableTradeTax>
      <ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime><udt:DateTimeString format="102">{_compact(invoice.due)}\
</udt:DateTimeString></ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
        <ram:LineTotalAmount>{net}</ram:LineTotalAmount>
        <ram:TaxBasisTotalAmount>{net}</ram:TaxBasisTotalAmount>
        <ram:TaxTotalAmount currencyID="EUR">{tax}</ram:TaxTotalAmount>
        <ram:GrandTotalAmount>{gross}</ram:GrandTotalAmount>
        <ram:TotalPrepaidAmount>{_money(invoice.credit)}</ram:TotalPrepaidAmount>
        <ram:DuePayableAmount>{left}</ram:DuePayableAmount>
      </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""


def _ubl(invoice: SandboxInvoice) -> str:
    category, rate = _rate(invoice)
    net, tax, gross, left = map(_money, (invoice.net, invoice.tax, invoice.gross, invoice.left))
    scheme = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
    of_tax = f"<cbc:ID>{category}</cbc:ID><cbc:Percent>{rate}</cbc:Percent>{scheme}"

    def party(name: str, city: str, code: str, vat: str) -> str:
        return (
            f"<cac:Party><cac:PartyName><cbc:Name>{name}</cbc:Name></cac:PartyName><cac:PostalAddress>"
            f"<cbc:CityName>{city}</cbc:CityName><cbc:PostalZone>{code}</cbc:PostalZone><cac:Country>"
            f"<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>{vat}</cac:Party>"
        )

    vat = f"<cac:PartyTaxScheme><cbc:CompanyID>{VAT_ID}</cbc:CompanyID>{scheme}</cac:PartyTaxScheme>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="{UBL}Invoice-2" xmlns:cac="{UBL}CommonAggregateComponents-2" xmlns:cbc="{UBL}CommonBasicComponents-2">
  <cbc:CustomizationID>{GUIDELINES[XmlForm.XRECHNUNG_UBL]}</cbc:CustomizationID>
  <cbc:ID>{invoice.id}</cbc:ID>
  <cbc:IssueDate>{invoice.issued:%Y-%m-%d}</cbc:IssueDate>
  <cbc:DueDate>{invoice.due:%Y-%m-%d}</cbc:DueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:AccountingSupplierParty>{party(SELLER, "Berlin", "10115", vat)}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{party(BUYER, "Hamburg", "20095", "")}</cac:AccountingCustomerParty>
  <cac:TaxTotal>
    <cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount>
    <cac:TaxSubtotal><cbc:TaxableAmount currencyID="EUR">{net}</cbc:TaxableAmount>\
<cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount><cac:TaxCategory>{of_tax}</cac:TaxCategory></cac:TaxSubtotal>
  </cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="EUR">{net}</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">{gross}</cbc:TaxInclusiveAmount>
    <cbc:PrepaidAmount currencyID="EUR">{_money(invoice.credit)}</cbc:PrepaidAmount>
    <cbc:PayableAmount currencyID="EUR">{left}</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
  <cac:InvoiceLine>
    <cbc:ID>1</cbc:ID>
    <cbc:InvoicedQuantity unitCode="C62">1</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">{net}</cbc:LineExtensionAmount>
    <cac:Item><cbc:Name>{_text_of(invoice)}</cbc:Name><cac:ClassifiedTaxCategory>{of_tax}</cac:ClassifiedTaxCategory>\
</cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">{net}</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>
</Invoice>
"""
